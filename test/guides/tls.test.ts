// docs/guides/tls.md, typed as it stands.
import { describeGuide } from '../support/guide.ts';

describeGuide('tls.md', ['curl']);
