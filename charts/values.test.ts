// Compares the reference and the schema of the chart's values with values.yaml.
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { readValues, writtenFiles } from './files.ts';
import { valuesReference } from './reference.ts';
import { valuesOf } from './values.ts';

const ROOT = path.resolve(import.meta.dirname, '..');

describe('the reference of the values', () => {
  test.each(writtenFiles())('$name is of one piece with its source; `npm run reference` writes it', ({ name, text }) => {
    expect(readFileSync(path.join(ROOT, name), 'utf8')).toBe(text);
  });

  test('says what every value is for', () => {
    const silent = readValues().filter(({ isGroup, comment }) => !isGroup && comment.length === 0);
    expect(silent.map((value) => value.path)).toEqual([]);
  });

  test('has groups, lists of choices, and defaults', () => {
    const text = [
      '# Of the file.',
      '',
      '# The name.',
      "name: ''",
      '',
      '# How it ends.',
      'drain:',
      '  # One of:',
      '  #   a: the first',
      '  #   b: the second',
      '  # It is a | b.',
      '  mode: a',
      '  # As it is.',
      '  limits: { cpu: 2 }',
      '  # Of a group.',
      '  inner:',
      '    # A list.',
      '    items: [1]',
    ];
    expect(valuesReference(valuesOf(text.join('\n')))).toBe(
      [
        '## General\n\n| Value | Default | Meaning |\n| --- | --- | --- |\n| `name` | `""` | The name. |\n',
        '## drain\n\nHow it ends.\n\n| Value | Default | Meaning |\n| --- | --- | --- |',
        '| `drain.mode` | `"a"` | One of:<br>a: the first<br>b: the second<br>It is a \\| b. |',
        '| `drain.limits` | `{"cpu":2}` | As it is. |',
        '| `drain.inner.items` | `[1]` | Of a group. A list. |\n',
      ].join('\n'),
    );
  });
});

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
}

describe('the schema of the values', () => {
  const schema = JSON.parse(readFileSync(path.join(ROOT, 'charts/weir/values.schema.json'), 'utf8')) as Schema & {
    readonly definitions: Readonly<Record<string, Schema>>;
  };
  const resolved = (part: Schema): Schema =>
    part.$ref === undefined ? part : (schema.definitions[part.$ref.split('/').at(-1) ?? ''] ?? {});

  test('has every value of values.yaml, and no group takes others', () => {
    for (const { path: value, isGroup } of readValues()) {
      let part: Schema = schema;
      for (const name of value.split('.')) {
        expect({ value, additionalProperties: part.additionalProperties }).toEqual({ value, additionalProperties: false });
        part = resolved(part.properties?.[name] ?? {});
        expect({ value, known: Object.keys(part).length > 0 }).toEqual({ value, known: true });
      }
      if (isGroup) expect({ value, additionalProperties: part.additionalProperties }).toEqual({ value, additionalProperties: false });
    }
  });

  test('has no value that values.yaml lacks', () => {
    const known = new Set(readValues().map((value) => value.path));
    const groups = readValues().filter(({ isGroup }) => isGroup);
    const strange = ['', ...groups.map((group) => `${group.path}.`)].flatMap((prefix) => {
      const part = prefix
        .split('.')
        .slice(0, -1)
        .reduce((at, name) => resolved(at.properties?.[name] ?? {}), schema as Schema);
      return Object.keys(part.properties ?? {})
        .map((name) => prefix + name)
        .filter((name) => !known.has(name));
    });
    // Helm gives `global` to every chart; claims and nodes have fields that the chart does not preset.
    expect(strange.filter((name) => name !== 'global' && !name.endsWith('.resources.claims'))).toEqual([]);
  });
});
