// Transfer codings that the proxy does not undo: whether a value names some, or is nothing that RFC 9112 knows.
import { trimBlanks } from './characters.ts';

const TOKEN = "[-!#$%&'*+.^_`|~0-9a-z]+";
/** A name, with parameters or without. */
const CODING = new RegExp(`^(${TOKEN})((?:[ \\t]*;[ \\t]*${TOKEN}[ \\t]*=[ \\t]*${TOKEN})*)$`);

/**
 * Whether the value lists codings. `chunked` stands at the end if anywhere, and has no parameters: any other list leaves the end of
 * the body to guesses (RFC 9112 sections 6.3 and 7.1). Empty elements and quoted parameters are in no honest list.
 */
export function areCodings(value: string): boolean {
  const list = value.toLowerCase().split(',');
  return list.every((element, i) => {
    const [, name, parameters] = CODING.exec(trimBlanks(element)) ?? [];
    if (name === 'chunked') return i === list.length - 1 && parameters === '';
    return name !== undefined;
  });
}
