// Runs docs/guides/tls.md as written.
import { describeGuide } from '../support/guide.ts';

describeGuide('tls.md', ['curl']);
