// Runs docs/guides/rate-limits.md as written.
import { describeGuide } from '../support/guide.ts';

describeGuide('rate-limits.md', ['curl']);
