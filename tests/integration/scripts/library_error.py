"""A wrong column name: the error comes from deep within pandas."""

import pandas as pd

import scitex_session as stx


def normalise(table, column):
    reference = table.loc[table["group"] == "control", column].mean()
    return table[column] / reference


@stx.session(message="normalised")
def main(column: str = "respnse"):
    table = pd.read_csv("measurements.csv")
    print("columns:", ", ".join(table.columns))
    stx.io.save(table.head(3), "head.csv", index=False)
    try:
        table["normalised"] = normalise(table, column)
    except KeyError as error:
        raise RuntimeError(f"measurements.csv has no {error}") from error
    return {"mean": table["normalised"].mean()}


if __name__ == "__main__":
    main()
