"""A session that does nothing, with arguments."""

import scitex_session as stx


@stx.session
def main(data_path: str, threshold: float = 0.5) -> int:
    """Do nothing.

    Parameters
    ----------
    data_path : str
        A file that is not read.
    threshold : float
        A number that is not used.
    """
    return 0


if __name__ == "__main__":
    main()
