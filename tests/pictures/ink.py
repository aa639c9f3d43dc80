#!/usr/bin/python3
"""Whether the words of pictures can be read in a viewer that ignores `paint-order`: CairoSVG draws each picture as it
is and without its white strokes, and nearly all dark pixels must be in both.

Usage: ink.py PICTURE.svg...
"""

import io
import re
import sys

import cairosvg
from PIL import Image

DARK = 128
# Rims rightly cover a little of the lines that lead to other words.
KEPT = 0.98


def ink(svg):
    png = cairosvg.svg2png(bytestring=svg.encode(), scale=2)
    grey = Image.open(io.BytesIO(png)).convert("L")
    return sum(grey.histogram()[:DARK])


def main():
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            svg = file.read()
        rims = re.compile(r'(<(?:text|g)\b[^>]*) stroke="#ffffff"')
        drawn, all_ink = ink(svg), ink(rims.sub(r"\1", svg))
        share = drawn / all_ink
        print(f"{path}: {share:.1%} of the ink shows")
        if len(rims.findall(svg)) == 0 or share < KEPT:
            sys.exit(f"{path}: words are hidden by their rims, or there are no rims to look at")


if __name__ == "__main__":
    main()
