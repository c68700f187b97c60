"""Clean the measurements with pandas, and summarise them by group."""

import pandas as pd

import scitex_session as stx


@stx.session
def clean(minimum: float = 0.0, drop_missing: bool = True):
    """Drop what can't be used, and save the table and its summary."""
    table = pd.read_csv(CONFIG.PATHS.measurements)
    print(f"{len(table)} rows, {table['response'].isna().sum()} without a response")
    if drop_missing:
        table = table.dropna(subset=["response"])
    table = table[table["response"] >= minimum]

    summary = table.groupby("group")["response"].agg(["count", "mean", "std"]).round(4)
    print(summary.to_string())

    stx.io.save(table, "cleaned.csv", index=False)
    stx.io.save(summary, "tables/summary.csv")
    # As colleagues do who have never heard of stx.io.save:
    table.describe().to_csv(CONFIG.SDIR_RUN / "describe.csv")
    return {
        "rows": len(table),
        "mean": summary["mean"].to_dict(),
        "table": table,
    }


if __name__ == "__main__":
    clean()
