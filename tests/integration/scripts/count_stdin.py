"""Count the letters of what comes on stdin: ``cat text | python count_stdin.py --top 3``."""

import sys
from collections import Counter

import scitex_session as stx


@stx.session
def count(top: int = 5, case: bool = False):
    counts = Counter()
    first = input("first line? ")
    print(f"the title is “{first}”")
    for number, line in enumerate(sys.stdin, 1):
        text = line.strip() if case else line.strip().lower()
        counts.update(letter for letter in text if letter.isalpha())
    print(f"{number} lines, {len(counts)} letters: naïve café, Ελληνικά, 日本語, 🧪")
    for letter, times in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:top]:
        print(f"  {letter}\t{times}\t{'▇' * times}")
    return {"lines": number, "title": first, "most": max(counts, key=counts.get)}


if __name__ == "__main__":
    count()
