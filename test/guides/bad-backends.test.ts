// Runs docs/guides/bad-backends.md as written.
import { describeGuide } from '../support/guide.ts';

describeGuide('bad-backends.md', ['curl']);
