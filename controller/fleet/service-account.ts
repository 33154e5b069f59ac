// The ServiceAccount of a fleet's pods. Proxies never call the API server: it has no rights and no token.
import type { DesiredFleet } from '../compile/result.ts';
import { metadataFor, type FleetSettings, type Manifest } from './manifest.ts';

export function serviceAccount(fleet: DesiredFleet, settings: FleetSettings): Manifest {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadataFor(fleet, settings), automountServiceAccountToken: false };
}
