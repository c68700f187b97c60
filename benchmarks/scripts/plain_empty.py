"""A plain script that does nothing."""


def main() -> int:
    """Do nothing."""
    return 0


if __name__ == "__main__":
    main()
