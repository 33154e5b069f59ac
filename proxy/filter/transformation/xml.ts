// XML as values of JSON and back. https://github.com/lddubeau/saxes parses it: it is strict, reads no DTD and expands no entities but the
// five of XML, and jsdom has relied on it for years.
//
// An element is an object: attributes are `@name`, its text is `#text`, and elements of one name are a list. One with text alone is a text.
import { SaxesParser } from 'saxes';
import { isObject, setMember, type Json, type JsonObject } from './exact-json.ts';
import { scalarText } from './scalar-text.ts';

interface OpenElement {
  readonly name: string;
  readonly attributes: [name: string, value: string][];
  readonly children: Map<string, Json[]>;
  text: string;
}

/** Thrown by the reader for XML that it does not take. */
class Refused extends Error {}

/** The value of a document in UTF-8; null if it is not well-formed, is nested deeper, has a DTD, or has text beside elements. */
export function readXml(bytes: Buffer, maxDepth: number): { readonly value: Json } | null {
  const reader = new XmlReader(maxDepth);
  try {
    return { value: reader.read(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) };
  } catch {
    // The parser throws what it finds wrong, and the decoder too.
    return null;
  }
}

class XmlReader {
  readonly #parser = new SaxesParser({ position: false });
  readonly #maxDepth: number;
  readonly #open: OpenElement[] = [];
  readonly #root: JsonObject = {};

  constructor(maxDepth: number) {
    this.#maxDepth = maxDepth;
    const parser = this.#parser;
    parser.on('xmldecl', ({ encoding = 'utf-8' }) => refuseIf(encoding.toLowerCase() !== 'utf-8'));
    parser.on('doctype', () => refuseIf(true));
    parser.on('opentagstart', ({ name }) => this.#begin(name));
    parser.on('attribute', ({ name, value }) => void this.#open.at(-1)?.attributes.push([name, value]));
    parser.on('text', (text) => this.#text(text));
    parser.on('cdata', (text) => this.#text(text));
    parser.on('closetag', () => this.#end());
    parser.on('error', (error) => {
      throw error;
    });
  }

  read(text: string): Json {
    this.#parser.write(text).close();
    return this.#root;
  }

  #begin(name: string): void {
    refuseIf(this.#open.length >= this.#maxDepth);
    this.#open.push({ name, attributes: [], children: new Map(), text: '' });
  }

  #text(text: string): void {
    const element = this.#open.at(-1);
    if (element !== undefined) element.text += text;
  }

  #end(): void {
    const element = this.#open.pop() as OpenElement;
    const value = valueOf(element);
    const parent = this.#open.at(-1);
    if (parent === undefined) return setMember(this.#root, element.name, value);
    const same = parent.children.get(element.name);
    if (same === undefined) parent.children.set(element.name, [value]);
    else same.push(value);
  }
}

function refuseIf(isRefused: boolean): void {
  if (isRefused) throw new Refused();
}

/** Text beside elements has an order that no object has, so it is refused. */
function valueOf({ attributes, children, text }: OpenElement): Json {
  const hasText = text.trim() !== '';
  refuseIf(hasText && children.size > 0);
  if (attributes.length === 0 && children.size === 0) return hasText ? text : '';
  const object: JsonObject = {};
  for (const [name, value] of attributes) setMember(object, `@${name}`, value);
  for (const [name, values] of children) setMember(object, name, values.length === 1 ? (values[0] as Json) : values);
  if (hasText) setMember(object, '#text', text);
  return object;
}

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>';

/** A document: the only member of an object is its root, otherwise `root`. Elements of lists within lists are `item`. */
export function writeXml(value: Json): string {
  const [only, ...others] = isObject(value) ? Object.entries(value) : [];
  const isRoot = only !== undefined && others.length === 0 && !/^[@#]/.test(only[0]) && !Array.isArray(only[1]);
  return `${DECLARATION}\n${isRoot ? element(only[0], only[1]) : element('root', Array.isArray(value) ? { item: value } : value)}`;
}

function elements(name: string, value: Json): string {
  return Array.isArray(value) ? value.map((each) => element(name, each)).join('') : element(name, value);
}

function element(name: string, value: Json): string {
  const tag = nameOf(name);
  const [attributes, content] = isObject(value) ? partsOf(value) : ['', Array.isArray(value) ? elements('item', value) : escaped(value)];
  return content === '' ? `<${tag}${attributes}/>` : `<${tag}${attributes}>${content}</${tag}>`;
}

function partsOf(object: JsonObject): readonly [attributes: string, content: string] {
  const written = new Set<string>();
  let [attributes, content] = ['', ''];
  for (const [name, value] of Object.entries(object)) {
    const text = scalarText(value);
    if (name.startsWith('@') && text !== null) {
      const attribute = nameOf(name.slice(1));
      // Two names that become the same attribute would make the document invalid.
      if (!written.has(attribute)) attributes += ` ${attribute}="${escaped(value)}"`;
      written.add(attribute);
    } else if (name === '#text' && text !== null) content += escaped(value);
    else content += elements(name, value);
  }
  return [attributes, content];
}

const NOT_IN_NAMES = /[^\p{L}\p{Nd}._:-]/gu;

/** Characters that no name can have become `_`. */
function nameOf(text: string): string {
  const name = text.replaceAll(NOT_IN_NAMES, '_');
  return /^[\p{L}_]/u.test(name) ? name : `_${name}`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};
/** XML 1.0 cannot have them, not even escaped. */
const IMPOSSIBLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

function escaped(value: Json): string {
  const text = (scalarText(value) ?? '').toWellFormed().replaceAll(IMPOSSIBLE, '\ufffd');
  return text.replaceAll(/[&<>"\t\n\r]/g, (character) => ESCAPES[character] as string);
}
