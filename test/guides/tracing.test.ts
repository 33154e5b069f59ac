// Runs docs/guides/tracing.md as written. A collector that is away costs no request, so that the steps hold with and without one; what arrives
// at a real one is compared in test/telemetry/tracing.tool.test.ts.
import { describeGuide } from '../support/guide.ts';

describeGuide('tracing.md', ['curl']);
