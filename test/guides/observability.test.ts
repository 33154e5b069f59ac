// Runs docs/guides/observability.md as written, and holds it to the metrics that there are.
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describeGuide } from '../support/guide.ts';

const DOCS = path.resolve(import.meta.dirname, '..', '..', 'docs');
const pageOf = (name: string) => readFileSync(path.join(DOCS, name), 'utf8');

describeGuide('observability.md', ['curl']);

test.each(['observability', 'troubleshooting', 'sizing', 'bad-backends'])(
  'docs/guides/%s.md names only metrics that the reference has',
  (name) => {
    const reference = pageOf('reference/metrics.md');
    const named = new Set(
      [...pageOf(`guides/${name}.md`).matchAll(/\bweir_[a-z0-9_]+/g)].map(([metric]) => metric.replace(/_bucket$/, '')),
    );
    expect([...named].filter((metric) => !reference.includes(`\`${metric}\``))).toEqual([]);
  },
);
