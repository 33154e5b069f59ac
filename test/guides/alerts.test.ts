// Runs docs/guides/alerts.md as written.
import { describeGuide } from '../support/guide.ts';

describeGuide('alerts.md', ['curl']);
