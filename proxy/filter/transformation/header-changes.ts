// Changes of headers: removes, renames, sets, then adds. All values are made of the message as it came.
import type { ExpressionMoment } from '#api/expression/expression.ts';
import type { Facts } from '#api/expression/facts.ts';
import { isHostValue } from '#api/k8s/header-rules.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import { addHeader, removeHeader, setHeader, type Headers } from '../../exchange/headers.ts';
import { fieldBytes } from '../text.ts';
import { condition, template, type Condition, type Template } from './template.ts';

type Settings = NonNullable<NonNullable<PolicySettings<'HTTPPolicy'>['request']>['headers']>;

/** A message with its headers. */
export interface HeadedMessage {
  headers: Headers;
  /** Replaces the host. */
  setHost?(host: string): void;
}

interface Part {
  readonly name: string;
  readonly value: Template;
  readonly when: Condition;
}

/** A part with its value; null: it has none. */
export type Valued = readonly [name: string, value: string | null];

/** The parts whose conditions hold, with their values. */
export class PartValues {
  readonly #parts: readonly Part[];

  constructor(
    parts: readonly { readonly name?: string; readonly value?: string; readonly when?: string }[] = [],
    moment: ExpressionMoment,
    nameOf: (name: string) => string = (name) => name,
  ) {
    this.#parts = parts.map(({ name = '', value = '', when }) => ({
      name: nameOf(name),
      value: template(value, moment),
      when: condition(when, moment),
    }));
  }

  of(facts: Facts): readonly Valued[] {
    return this.#parts.filter(({ when }) => when(facts)).map(({ name, value }) => [name, value(facts)]);
  }
}

const lower = (name: string): string => name.toLowerCase();

export class HeaderChanges {
  readonly #remove: readonly string[];
  readonly #rename: readonly (readonly [from: string, to: string])[];
  readonly #set: PartValues;
  readonly #add: PartValues;

  constructor({ remove = [], rename = [], set, add }: Settings, moment: ExpressionMoment) {
    this.#remove = remove.map(lower);
    this.#rename = rename.map(({ from = '', to = '' }) => [lower(from), lower(to)]);
    this.#set = new PartValues(set, moment, lower);
    this.#add = new PartValues(add, moment, lower);
  }

  /** The changes for a message, which `apply` makes. */
  of(facts: Facts): (message: HeadedMessage) => void {
    const [set, add] = [this.#set.of(facts), this.#add.of(facts)];
    return (message) => {
      const { headers } = message;
      for (const name of this.#remove) removeHeader(headers, name);
      for (const [from, to] of this.#rename) rename(headers, from, to);
      for (const [name, value] of set) write(message, name, value === null ? null : fieldBytes(value));
      for (const [name, value] of add) {
        const bytes = value === null ? null : fieldBytes(value);
        if (bytes !== null) addHeader(headers, name, bytes);
      }
    };
  }
}

/** Without a value the header goes too: that of the client must not pass for it. */
function write(message: HeadedMessage, name: string, value: string | null): void {
  if (name === 'host' && message.setHost !== undefined) {
    if (value !== null && isHostValue(value)) message.setHost(value);
  } else if (value === null) removeHeader(message.headers, name);
  else setHeader(message.headers, name, value);
}

function rename(headers: Headers, from: string, to: string): void {
  if (from === to || !headers.some((name, i) => i % 2 === 0 && name === from)) return;
  removeHeader(headers, to);
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === from) headers[i] = to;
}
