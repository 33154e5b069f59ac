// Changes of the parameters of a query. Parameters that are not concerned keep their bytes.
import type { Facts } from '#api/expression/facts.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import { PartValues } from './header-changes.ts';

type Settings = NonNullable<NonNullable<PolicySettings<'HTTPPolicy'>['request']>['query']>;

/** A parameter with its decoded name, and its text in the query. */
interface Parameter {
  readonly name: string;
  readonly text: string;
}

export class QueryChanges {
  readonly #remove: ReadonlySet<string>;
  readonly #rename: ReadonlyMap<string, string>;
  readonly #set: PartValues;
  readonly #add: PartValues;

  constructor({ remove = [], rename = [], set, add }: Settings) {
    this.#remove = new Set(remove);
    this.#rename = new Map(rename.map(({ from = '', to = '' }) => [from, to]));
    this.#set = new PartValues(set, 'request');
    this.#add = new PartValues(add, 'request');
  }

  /** The changes for a query. */
  of(facts: Facts): (query: string) => string {
    const [set, add] = [this.#set.of(facts), this.#add.of(facts)];
    return (query) => {
      const renamed = this.#renamed(parametersOf(query).filter(({ name }) => !this.#remove.has(name)));
      const replaced = new Set(set.map(([name]) => name));
      const kept = renamed.filter(({ name }) => !replaced.has(name)).map(({ text }) => text);
      const added = [...set, ...add].flatMap(([name, value]) => (value === null ? [] : [written(name, value)]));
      return [...kept, ...added].join('&');
    };
  }

  #renamed(parameters: readonly Parameter[]): readonly Parameter[] {
    if (this.#rename.size === 0) return parameters;
    const taken = new Set(parameters.flatMap(({ name }) => this.#rename.get(name) ?? []));
    return parameters.flatMap((parameter) => {
      const to = this.#rename.get(parameter.name);
      if (to === undefined) return taken.has(parameter.name) ? [] : [parameter];
      const equals = parameter.text.indexOf('=');
      return [{ name: to, text: encoded(to) + (equals < 0 ? '' : parameter.text.slice(equals)) }];
    });
  }
}

function parametersOf(query: string): readonly Parameter[] {
  if (query === '') return [];
  return query.split('&').map((text) => {
    const [[name] = ['']] = [...new URLSearchParams(text)];
    return { name, text };
  });
}

function written(name: string, value: string): string {
  return `${encoded(name)}=${encoded(value)}`;
}

function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
