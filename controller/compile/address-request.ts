// The class and annotation by which Services ask the address pool for addresses, and the condition that answers them.
import { WEIR_GROUP } from '#api/k8s/schema.ts';

/** spec.loadBalancerClass of Services that use the pool. */
export const POOL_CLASS = `${WEIR_GROUP}/address-pool`;

/** Annotation of such a Service: the requested addresses, separated by commas; `any` lets the pool choose. */
export const ASKED_ADDRESSES = `${WEIR_GROUP}/addresses`;

/** Condition of such a Service. False if it does not get the requested addresses, with a condition reason of Gateways. */
export const ADDRESSES_ASSIGNED = `${WEIR_GROUP}/AddressesAssigned`;
