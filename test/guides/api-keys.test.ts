// Runs docs/guides/api-keys.md as written.
import { describeGuide } from '../support/guide.ts';

describeGuide('api-keys.md', ['curl']);
