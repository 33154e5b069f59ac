// The ServiceAccount of a fleet's pods. It has no rights and no token, since proxies never call the API server.
import type { DesiredFleet } from '../compile/result.ts';
import { metadataFor, type FleetSettings, type Manifest } from './manifest.ts';

export function serviceAccount(fleet: DesiredFleet, settings: FleetSettings): Manifest {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadataFor(fleet, settings), automountServiceAccountToken: false };
}
