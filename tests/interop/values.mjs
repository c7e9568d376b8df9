// Values that must come back as they were sent.

function nested(depth) {
  let value = "inside";
  for (let level = 0; level < depth; level++) value = level % 2 ? [value] : { value };
  return value;
}

export const TEXTS = [
  "",
  "plain",
  "é ü ß ñ",
  "Привет, 世界, שלום",
  "😀 👩‍👩‍👧 𝒳",
  "a\u2028b\u2029c",
  "\u0000\u0001\u001e\u001f\u007f",
  'quotes " and \\ and \n\r\t',
  "4 2 0 1:2 b4AAAA",
  "x".repeat(70_000),
  "€".repeat(20_000),
];

/** Text that is no valid Unicode, as a program makes it when it cuts an emoji in two. */
export const SURROGATES = ["\ud83d", "\ude00", "cut \ud83d off", "\ude00\ud83d"];

export const VALUES = [
  null,
  true,
  false,
  0,
  1,
  -1,
  1.5,
  -0.1,
  1e-7,
  5e-324,
  1.7976931348623157e308,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_SAFE_INTEGER,
  2 ** 53,
  2 ** 63,
  2 ** 64,
  1e20,
  1e21,
  -1e25,
  [],
  {},
  [[]],
  [{}],
  { "": "" },
  [null, [null], { none: null }],
  [1, "two", [3, { four: 4 }], true],
  { a: { b: { c: [1, 2, { d: "e" }] } } },
  { "key with \u0000, 😀 and é": 1, 1: "one", "a.b": 2 },
  { _placeholder: true, num: 0 },
  { _placeholder: false, num: "x" },
  nested(60),
  Array.from({ length: 2_000 }, (_, index) => index),
  ...TEXTS,
];

/** Lone surrogates wherever text can be. */
export const BROKEN_TEXTS = [...SURROGATES, [SURROGATES], { "key \ud83d": "value \ude00" }];
