// Runs docs/guides/log-shipping.md as written.
import { beforeAll } from '@jest/globals';
import { describeGuide } from '../support/guide.ts';
import { buildCollector, collectorEnv } from './otelcol.ts';

beforeAll(buildCollector, 1_200_000);

describeGuide('log-shipping.md', ['curl'], { env: collectorEnv });
