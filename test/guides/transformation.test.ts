// Runs docs/guides/transformation.md as written.
import { describeGuide } from '../support/guide.ts';

describeGuide('transformation.md', ['curl']);
