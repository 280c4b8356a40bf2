#!/usr/bin/env python3
"""Expected token ids for the GPT-2 tokenizer, computed without any code of this project.

Own implementation of the published algorithm in another formulation and from another file than the library's:
the ranks of byte strings in gpt2.tiktoken (not pairs of merges.txt), the splitting rule as the regular expression
of the GPT-2 release (third-party module `regex`, which knows \\p{L} and \\p{N} on whole code points).

Usage (Debian: apt-get install python3-regex):
    /usr/bin/python3 gpt2_tokenizer_cases.py SHARED_DATA_DIRECTORY > gpt2_tokenizer_cases.json
"""

import base64
import hashlib
import json
import pathlib
import random
import struct
import sys

import regex

WORDS = regex.compile(r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+""")


def load_ranks(path):
    lines = path.read_text("ascii").splitlines()
    return {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines)}


def encode_word(word, ranks):
    """Joins the neighbouring parts whose joined bytes have the lowest rank until no join has a rank."""
    parts = [word[i : i + 1] for i in range(len(word))]
    while True:
        joins = [(ranks[a + b], i) for i, (a, b) in enumerate(zip(parts, parts[1:])) if a + b in ranks]
        if not joins:
            return [ranks[part] for part in parts]
        _, i = min(joins)
        parts[i : i + 2] = [parts[i] + parts[i + 1]]


def encode(text, ranks, cache):
    ids = []
    for word in WORDS.findall(text):
        if word not in cache:
            cache[word] = encode_word(word.encode("utf-8"), ranks)
        ids += cache[word]
    return ids


HARD = {
    "empty": "",
    "plain": "Hello world",
    "contractions": "I'm sure you've seen it's what they'd say; we'll see, don't you're",
    "contractions in upper case are not contractions": "IT'S YOU'RE I'M WE'LL DON'T HE'D I'VE 'S 'T",
    "contraction after a space": " 's 't 're 've 'm 'll 'd",
    "contraction prefixes": "'sam 'tis 'red 'very 'my 'llama 'dog rock'n'roll o'clock",
    "apostrophes": "'''s ''s '' ' 's' it''s",
    "typographic apostrophe": "it\u2019s don\u2019t \u2018quoted\u2019",
    "one space": " ",
    "two spaces": "  ",
    "runs of spaces": "a  b   c    d     e      f",
    "many spaces": "x" + " " * 33 + "y",
    "leading spaces": "   three before",
    "trailing space": "trailing ",
    "trailing spaces": "trailing    ",
    "spaces before punctuation": "a  ! b   ,  c",
    "spaces before digits": "a  1 b   22",
    "tabs": "\ta\t\tb\t c \t",
    "newlines": "a\nb\n\nc\n\n\nd\n",
    "newlines only": "\n\n\n",
    "CRLF": "line one\r\nline two\r\n\r\nline three\r\n",
    "CR": "a\rb\r\rc",
    "space newline space": "a \n b \n\n  c",
    "tab then space then word": "\t word  \tword",
    "vertical tab and form feed": "a\x0bb\x0cc",
    "no-break space": "a\u00a0b\u00a0\u00a0c \u00a0d\u00a0",
    "other white space": "a\u2003b\u2009c\u3000d\u1680e\u2028f\u2029g\u202fh\u205fi\u0085j",
    "not white space": "a\u200bb\u2060c\ufeffd\u180ee\x1cf\x1fg",
    "control characters": "".join(chr(c) for c in range(0x20)) + "\x7f",
    "C1 control characters": "".join(chr(c) for c in range(0x80, 0xA0)),
    "null": "a\0b\0\0c",
    "ASCII": "".join(chr(c) for c in range(0x20, 0x7F)),
    "Latin-1": "".join(chr(c) for c in range(0xA0, 0x100)),
    "numbers": "0 1 12 123 1234 12345 3.14159 1,000,000 1e-5 0x1F -42 +7",
    "digits and letters": "abc123def456 1st 2nd B2B covid19",
    "other numbers": "\u00bd \u00b2\u00b3 \u2460\u2461 \u0663\u0664 \u0967\u0968 \u2163 \u4e00\u4e8c \uff11\uff12",
    "accents": "caf\u00e9 na\u00efve r\u00e9sum\u00e9 \u00fcber stra\u00dfe \u00c5ngstr\u00f6m",
    "combining marks": "cafe\u0301 nai\u0308ve o\u0302\u0323 a\u0300\u0301\u0302",
    "emoji": "\U0001f600 \U0001f602\U0001f602 ok\U0001f44d",
    "emoji with modifiers": "\U0001f44d\U0001f3fd \U0001f926\U0001f3fc\u200d\u2642\ufe0f",
    "emoji with zero-width joiners": "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 family",
    "flags and keycaps": "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7 1\ufe0f\u20e3",
    "Devanagari": "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e \u0939\u093f\u0928\u094d\u0926\u0940 \u0967\u0968\u0969",
    "Chinese": "\u4f60\u597d\uff0c\u4e16\u754c\u3002\u4eca\u5929\u5929\u6c14\u5f88\u597d",
    "Japanese": "\u3053\u3093\u306b\u3061\u306f\u4e16\u754c\u3001\u30c6\u30b9\u30c8\u3067\u3059\u3002",
    "Korean": "\uc548\ub155\ud558\uc138\uc694 \uc138\uacc4",
    "Arabic": "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645\u061f \u0662\u0660\u0662\u0664",
    "Arabic with marks": "\u0628\u0650\u0633\u0652\u0645\u0650 \u0671\u0644\u0644\u064e\u0651\u0647\u0650",
    "Hebrew": "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd",
    "Cyrillic and Greek": "\u041f\u0440\u0438\u0432\u0435\u0442 \u043c\u0438\u0440 \u03b1\u03b2\u03b3 \u03a9",
    "Thai": "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e0a\u0e32\u0e27\u0e42\u0e25\u0e01",
    "letters beyond 16 bits": "\U00020000\U00020001 a\U0001d400b \U0001d400\U0001d401's !\U0001d7cf \U0001d7cf\U0001d7d0 \U00010330\U00010331",
    "letters beyond 16 bits against punctuation": "!\U00020000! ?\U0001d400? \U0001d400's 1\U0001d7cf \U0001d7cf1",
    "private use and last code points": "\ue000 \U000f0000 \U0010ffff \uffff \ufdd0",
    "replacement character": "\ufffd \ufffd\ufffd a\ufffdb",
    "byte order mark": "\ufeffstart",
    "special token as plain text": "<|endoftext|>",
    "special token within text": "before<|endoftext|>after <|endoftext|> end",
    "code": "def f(x):\n    return x**2  # square\n\n\nif __name__ == '__main__':\n\tprint(f(3))\n",
    "markup": "<p class=\"a\">1 &lt; 2</p>\n<!-- note -->",
    "address": "https://example.org/a/b?c=1&d=%20#e user.name+tag@example.org",
    "quotation": "\u201cWell,\u201d he said\u2014\u201cit\u2019s late\u2026\u201d",
    "mixed": "R2-D2's 3rd caf\u00e9\u2014\u4f60\u597d\U0001f600, don't\tstop\r\n  100% $5.00!!!",
    "punctuation runs": "!!! ??? ... --- ___ === *** ///",
    "a long word": "Donaudampfschifffahrtselektrizit\u00e4tenhauptbetriebswerkbauunterbeamtengesellschaft",
    "one letter 300 times": "a" * 300,
    "odd run of one letter": "z" * 37,
    "alternating": "abab" * 60 + "a",
}

POOLS = [
    "abcdefghijklmnopqrstuvwxyz",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "0123456789",
    "          ",
    " \t\n\r\u00a0\u2003",
    ".,;:!?'\"()-_/*#",
    "'stmdrevl",
    "\u00e9\u00e8\u00fc\u00df\u00f8\u0142\u0151",
    "\u0301\u0308\u200d\ufe0f",
    "\u0905\u0915\u094d\u0937\u093f\u0967",
    "\u4f60\u597d\u4e16\u754c\u3042\u30a2\uac00",
    "\u0627\u0644\u0645\u0661\u05d0\u05d1",
    "\U0001f600\U0001f44d\U0001f3fd\U0001f1e9",
    "\U00020000\U0001d400\U0001d7cf\U00010330",
    "\x00\x01\x1f\x7f\u0085\u200b",
]


def random_text(source):
    pools = source.sample(POOLS, source.randint(2, 6))
    return "".join(source.choice(source.choice(pools)) for _ in range(source.randint(1, 40)))


def main():
    data = pathlib.Path(sys.argv[1])
    ranks = load_ranks(data / "tiktoken" / "gpt2.tiktoken")
    cache = {}
    source = random.Random(20220304)
    cases = [{"name": name, "text": text, "ids": encode(text, ranks, cache)} for name, text in HARD.items()]
    cases += [
        {"name": f"random {i}", "text": text, "ids": encode(text, ranks, cache)}
        for i, text in enumerate(random_text(source) for _ in range(300))
    ]
    files = {}
    for path in sorted((data / "gutenberg").glob("*.txt")):
        ids = encode(path.read_bytes().decode("utf-8"), ranks, cache)
        digest = hashlib.sha256(struct.pack(f"<{len(ids)}i", *ids)).hexdigest()
        files[path.name] = {"tokens": len(ids), "sha256": digest}
    lines = ["{", '"cases": [']
    lines.append(",\n".join(json.dumps(case) for case in cases))
    lines += ["],", '"files": {']
    lines.append(",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in files.items()))
    lines += ["}", "}"]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
