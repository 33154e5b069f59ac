// Runs docs/guides/rate-limits-redis.md as written.
import { describeGuide } from '../support/guide.ts';

describeGuide('rate-limits-redis.md', ['curl', 'redis']);
