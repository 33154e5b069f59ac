// Runs docs/guides/oidc.md as written, with the provider of this checkout in place of one that npm installs.
import { describeGuide } from '../support/guide.ts';

describeGuide('oidc.md', ['curl'], { checkout: ['node_modules'] });
