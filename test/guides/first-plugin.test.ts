// Runs docs/guides/first-plugin.md as written.
import { describeGuide } from '../support/guide.ts';

describeGuide('first-plugin.md', ['curl']);
