/**
 * What storage costs: the formulas that provider and client both compute, in base units and with
 * bigint only. Every term is rounded up once per object. Spec: docs/spec/30-offer.md.
 */

/** The price list of an offer, in base units (u32 each on the wire). */
export interface Prices {
  readonly rentPerMiBDay: number;
  readonly ingressPerMiB: number;
  readonly egressPerMiB: number;
  readonly perObject: number;
  readonly perRequest: number;
  readonly perPushDay: number;
}

const MIB = 1n << 20n;

function ceilMiB(product: bigint): bigint {
  return (product + MIB - 1n) / MIB;
}

/** `⌈size · days · rentPerMiBDay / 2^20⌉`: rent of `sizeBytes` for whole `days`. */
export function rentCost(prices: Prices, sizeBytes: number, days: number): bigint {
  return ceilMiB(BigInt(sizeBytes) * BigInt(days) * BigInt(prices.rentPerMiBDay));
}

/** Cost of taking an object in and keeping it for `days`: object + ingress + rent, prepaid. */
export function ingestCost(prices: Prices, sizeBytes: number, days: number): bigint {
  const ingress = ceilMiB(BigInt(sizeBytes) * BigInt(prices.ingressPerMiB));
  return BigInt(prices.perObject) + ingress + rentCost(prices, sizeBytes, days);
}

/** Cost of handing out `sizeBytes`; an expired object in its grace time costs double egress. */
export function fetchCost(prices: Prices, sizeBytes: number, isExpired = false): bigint {
  const egress = BigInt(prices.egressPerMiB) * (isExpired ? 2n : 1n);
  return BigInt(prices.perRequest) + ceilMiB(BigInt(sizeBytes) * egress);
}

/** Cost of a request that returns no object bytes: a page of the log, the mailbox's record. */
export function requestCost(prices: Prices): bigint {
  return BigInt(prices.perRequest);
}

/**
 * What a release gives back for unused whole days: rounded down at the price that was paid, so a
 * refund never exceeds the rent.
 */
export function releaseRefund(rentPerMiBDay: number, sizeBytes: number, days: number): bigint {
  return (BigInt(sizeBytes) * BigInt(days) * BigInt(rentPerMiBDay)) / MIB;
}

/** What the provider owes for a lost object: `penaltyX` times its price, at least the minimum. */
export function penaltyFor(cost: bigint, penaltyX: number, penaltyMin: bigint): bigint {
  const scaled = cost * BigInt(penaltyX);
  return scaled > penaltyMin ? scaled : penaltyMin;
}
