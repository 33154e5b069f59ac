// Runs docs/guides/service-registries.md as written, with a Consul that the tests build.
import { beforeAll } from '@jest/globals';
import { CONSUL } from '../discovery/consul-server.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { describeGuide } from '../support/guide.ts';

beforeAll(() => buildGoTool(CONSUL), 1_200_000);

describeGuide('service-registries.md', ['curl', 'go'], { env: () => ({ PATH: `${CONSUL.folder}:${process.env['PATH'] ?? ''}` }) });
