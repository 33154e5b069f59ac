// The dashboards of the chart, in the order of the documentation.
import { backends } from './backends.ts';
import { controlPlane } from './control-plane.ts';
import type { Dashboard } from './dashboard.ts';
import { overview } from './overview.ts';
import { resources } from './resources.ts';
import { routes } from './routes.ts';
import { security } from './security.ts';

export const DASHBOARDS: readonly Dashboard[] = [overview, routes, backends, controlPlane, resources, security];
