// Transfer codings that the proxy does not decode: whether a value is a valid list of them.
import { trimBlanks } from './characters.ts';

const TOKEN = "[-!#$%&'*+.^_`|~0-9a-z]+";
/** A name, with or without parameters. */
const CODING = new RegExp(`^(${TOKEN})((?:[ \\t]*;[ \\t]*${TOKEN}[ \\t]*=[ \\t]*${TOKEN})*)$`);

/**
 * Whether the value is a list of codings. `chunked` may only be the last and has no parameters: with any other list the end of the body is
 * ambiguous (RFC 9112 sections 6.3 and 7.1). Empty elements and quoted parameters are refused: no honest peer sends them.
 */
export function areCodings(value: string): boolean {
  const list = value.toLowerCase().split(',');
  return list.every((element, i) => {
    const [, name, parameters] = CODING.exec(trimBlanks(element)) ?? [];
    if (name === 'chunked') return i === list.length - 1 && parameters === '';
    return name !== undefined;
  });
}
