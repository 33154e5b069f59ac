// Runs docs/guides/acme.md as written, with a real ACME server.
import { buildGoTool } from '../support/go-tool.ts';
import { describeGuide } from '../support/guide.ts';
import { PEBBLE } from '../acme/pebble.ts';

describeGuide('acme.md', ['go', 'curl'], {
  env: () => {
    buildGoTool(PEBBLE);
    return { PATH: `${PEBBLE.folder}:${process.env['PATH'] ?? ''}` };
  },
});
