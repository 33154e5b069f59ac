// `npm run soak [-- NAME ...] [--bytes GIB] [--seconds N] [--connections N]`: scenarios too long for `npm test`. Fails if a finding is out of bounds.
import { parseArgs } from 'node:util';
import { compression } from './compression.ts';
import { garbage } from './garbage.ts';
import { hub } from './hub.ts';
import { largeBodies } from './large-bodies.ts';
import type { Finding, SoakScenario } from './scenario.ts';
import { slowClients } from './slow-clients.ts';
import { translations } from './translations.ts';
import { webSockets } from './websockets.ts';

/** All scenarios, in order. */
const SCENARIOS: readonly SoakScenario[] = [largeBodies, compression, translations, webSockets, hub, slowClients, garbage];

const GIB = 1_073_741_824;

function within({ value, limit }: Finding): boolean {
  return limit === null || value <= limit;
}

function show(finding: Finding): string {
  const bound = finding.limit === null ? '' : ` (at most ${finding.limit}) ${within(finding) ? 'ok' : 'FAILED'}`;
  return `  ${finding.name}: ${finding.value.toFixed(1)} ${finding.unit}${bound}`;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      bytes: { type: 'string', default: '10' },
      seconds: { type: 'string', default: '600' },
      connections: { type: 'string', default: '5000' },
    },
  });
  const chosen = SCENARIOS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  if (chosen.length === 0) {
    console.error(`no such scenario; there are: ${SCENARIOS.map(({ name }) => name).join(', ')}`);
    return 2;
  }
  let failed = 0;
  for (const scenario of chosen) {
    console.log(`${scenario.name}: ${scenario.about}`);
    const { bytes, seconds, connections } = values;
    const findings = await scenario.run({ bytes: Number(bytes) * GIB, seconds: Number(seconds), connections: Number(connections) });
    for (const finding of findings) console.log(show(finding));
    failed += findings.filter((finding) => !within(finding)).length;
  }
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
