// Whether a password is among the first that attackers try. Leaked passwords of twelve and more characters are made of few parts: common words,
// rows of keys, years, and repetitions. What is left without these parts must be long enough; so no list of millions is needed, and nothing is
// asked from another server.

/** Characters that must be left. */
const LEAST = 6;
/** The shortest part of a row of keys that counts as one. */
const SHORTEST_ROW = 4;

/** Frequent words of leaked passwords, and words of this product. */
const WORDS = [
  'access action admin administrator amanda america andrea andrew angel anthony apple arsenal ashley asshole austin babygirl bailey banana',
  'barcelona barney baseball basketball batman biteme blink182 blue bond007 boomer boston brandon buster butterfly charlie cheese chelsea',
  'chester chicken chocolate chris cluster compaq computer cookie cool corvette cowboy dallas daniel default diablo diamond dragon eagle',
  'elephant falcon family ferrari fishing flower football forever freedom friend friends gateway george ginger golden google guest guitar',
  'hammer hannah harley heather hello hockey hunter iceman iloveyou internet jackson james jasmine jasper jennifer jessica jesus jordan',
  'joshua junior justin killer kubernetes liverpool login lovely loveme maggie manager marina martin master matrix matthew maverick mercedes',
  'merlin michael michelle mickey monkey monster morgan mother mustang naruto nascar nicole ninja office orange pass password passwort patrick',
  'peanut pepper phoenix player please pokemon porsche prince princess private proxy purple qazwsx ranger raiders rainbow robert root samantha',
  'samsung scooter secret server shadow silver slipknot snoopy soccer spiderman starwars steelers summer sunshine superman superuser sweet',
  'taylor temp tennis test thomas thunder tigger tinkerbell trustno twitter user vanessa victoria weir welcome whatever william winter yankees',
  'yellow autumn spring monday tuesday wednesday thursday friday saturday sunday january february march april june july august september',
  'october november december changeme change letmein love baby hottie money',
]
  .flatMap((line) => line.split(' '))
  .toSorted((a, b) => b.length - a.length);

const ROWS = [
  ...['1234567890123456789', 'abcdefghijklmnopqrstuvwxyz', 'qwertyuiop', 'asdfghjkl', 'zxcvbnm', 'qwertzuiop', 'yxcvbnm', 'azertyuiop'],
  ...['1q2w3e4r5t6y7u8i9o0p', 'q1w2e3r4t5y6u7i8o9p0', '1qaz2wsx3edc4rfv5tgb6yhn7ujm', 'qazwsxedcrfvtgbyhnujm', '147258369', '789456123'],
].flatMap((row) => [row, [...row].toReversed().join('')]);

/** Digits and signs in place of letters. */
const LETTERS: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
};

/** Whether too little is left of a password without its common parts. */
export function isCommonPassword(password: string): boolean {
  const text = onceOnly(password.toLowerCase());
  const plain = text.replace(/[013457@$!]/g, (sign) => LETTERS[sign] ?? sign);
  let left = 0;
  for (let at = 0; at < text.length;) {
    const part = Math.max(wordAt(plain, at), rowAt(text, at), yearAt(text, at), repeatedAt(text, at));
    if (part === 0 && /[\p{L}\p{N}]/u.test(text.charAt(at))) left++;
    at += Math.max(part, 1);
  }
  return left < LEAST;
}

/** The part that is repeated, if the text is a repetition. */
function onceOnly(text: string): string {
  const period = (text + text).indexOf(text, 1);
  return text.slice(0, period);
}

function wordAt(text: string, at: number): number {
  return WORDS.find((word) => text.startsWith(word, at))?.length ?? 0;
}

function rowAt(text: string, at: number): number {
  let length = 0;
  while (at + length < text.length && ROWS.some((row) => row.includes(text.slice(at, at + length + 1)))) length++;
  return length >= SHORTEST_ROW ? length : 0;
}

function yearAt(text: string, at: number): number {
  return /^(?:19|20)\d\d/.test(text.slice(at, at + 4)) ? 4 : 0;
}

/** A character that is there three times or more. */
function repeatedAt(text: string, at: number): number {
  let length = 1;
  while (text.charAt(at + length) === text.charAt(at)) length++;
  return length >= 3 ? length : 0;
}
