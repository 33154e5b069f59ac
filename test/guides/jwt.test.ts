// Runs docs/guides/jwt.md as written.
import { describeGuide } from '../support/guide.ts';

describeGuide('jwt.md', ['curl']);
