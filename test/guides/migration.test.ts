// Runs the examples of the migration guides as written.
import { describeGuide } from '../support/guide.ts';

describeGuide('migrate-ingress-nginx.md', []);
describeGuide('migrate-traefik.md', []);
