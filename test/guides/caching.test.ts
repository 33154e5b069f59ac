// Runs docs/guides/caching.md as written.
import { describeGuide } from '../support/guide.ts';

describeGuide('caching.md', ['curl', 'redis']);
