#!/usr/bin/python3
"""Runs a command on its own terminal, 80 columns wide, and draws the final screen as SVG.

Usage: terminal.py OUT.svg SHOWN COMMAND...   The picture begins with the command line SHOWN. The script answers y to a
prompt that ends in "[y/N] ", and exits with the command's exit code.
"""

import os
import pty
import re
import sys
from fcntl import ioctl
from html import escape
from struct import pack
from termios import TIOCSWINSZ

import pyte
from wcwidth import wcswidth

COLUMNS, ROWS = 80, 100
WIDE, HIGH, EDGE = 8.43, 19, 16
COLOURS = {"default": "#d8dee9", "red": "#ff7b72", "green": "#7ee787", "brown": "#e3b341", "blue": "#79c0ff", "cyan": "#56d4dd"}


def run(command, screen):
    stream = pyte.ByteStream(screen)
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execvp(command[0], command)
    ioctl(terminal, TIOCSWINSZ, pack("HHHH", ROWS, COLUMNS, 0, 0))
    answered = False
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        stream.feed(data)
        row = screen.display[screen.cursor.y].rstrip()
        if not answered and row.endswith("[y/N]"):
            os.write(terminal, b"y\n")
            answered = True
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def runs(line):
    """The pieces of a line with the same looks: where each begins, its words, its looks."""
    pieces = []
    for at in range(COLUMNS):
        letter = line[at]
        looks = (letter.fg, letter.bold)
        if pieces and pieces[-1][2] == looks:
            pieces[-1][1] += letter.data
        else:
            pieces.append([at, letter.data, looks])
    return [(at, words.rstrip(), looks) for at, words, looks in pieces if words.strip()]


def draw(screen, shown):
    rows = [screen.buffer[number] for number in range(ROWS)]
    while rows and not runs(rows[-1]):
        rows.pop()
    wide, high = COLUMNS * WIDE + 2 * EDGE, (len(rows) + 1) * HIGH + 2 * EDGE
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {high}" width="{wide:.0f}" height="{high}" role="img"'
        ' font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14">',
        f"<title>{escape(shown)}</title>",
        '<rect width="100%" height="100%" rx="6" fill="#0d1117"/>',
    ]

    def text(row, at, words, colour, bold):
        weight = ' font-weight="bold"' if bold else ""
        # textLength keeps the columns aligned, whatever font the viewer has.
        out.append(
            f'<text x="{EDGE + at * WIDE:.1f}" y="{EDGE + row * HIGH + 14}" textLength="{wcswidth(words) * WIDE:.1f}"'
            f' fill="{colour}"{weight} xml:space="preserve">{escape(words)}</text>'
        )

    text(0, 0, f"# {shown}", "#8b949e", True)
    for number, line in enumerate(rows, 1):
        for at, words, (colour, bold) in runs(line):
            # Each column of a table begins where the terminal has it, whatever the font makes of the one before.
            for cell in re.finditer(r"\S+(?: \S+)*", words):
                column = at + wcswidth(words[: cell.start()])
                text(number, column, cell.group(), COLOURS.get(colour, COLOURS["default"]), bold)
    return "\n".join(out + ["</svg>", ""])


def main():
    out, shown, *command = sys.argv[1:]
    screen = pyte.Screen(COLUMNS, ROWS)
    code = run(command, screen)
    with open(out, "w", encoding="utf-8") as file:
        file.write(draw(screen, shown))
    return code


if __name__ == "__main__":
    sys.exit(main())
