/** The errors of inference servers; each says which server failed, why, and what to do. */
import { ModelError } from "../../../models/errors.ts";

/** An error of a server; the CPU takes its place. */
export function failed(host: string, why: string): ModelError {
  return new ModelError("network", `The server ${host} ${why}.`);
}

/** The error for a model that a server does not serve. */
export function notServed(host: string, name: string): ModelError {
  return failed(host, `does not serve ${name} (404). Serve the model that is used here, by the same name`);
}

/** The error for an answer that cannot be read. */
export function garbage(host: string, why = ""): ModelError {
  return failed(host, `sent an answer that is not one of the Open Inference Protocol${why === "" ? "" : ` (${why})`}`);
}

/** The error for a token that a server refuses. @param code the status, as the protocol names it */
export function tokenRefused(host: string, code: number | string): ModelError {
  return failed(host, `refuses the token (${code}). Set the server's own, or ask whoever runs it`);
}

/** The error for a server that has too much to do. */
export function busy(host: string, code: number | string): ModelError {
  return failed(host, `has too much to do, or is ending (${code})`);
}

/** The error for a server that did not answer in time. */
export function late(host: string, deadlineMs: number): ModelError {
  return failed(host, `did not answer within ${deadlineMs / 1000} seconds`);
}

/** The error for a connection that could not be made, or broke. */
export function unreachable(host: string, code: string, isCertificate: boolean): ModelError {
  return isCertificate
    ? failed(
        host,
        `has a certificate that is not trusted here (${code}). Name its issuer's file, or correct the address`,
      )
    : failed(host, `could not be reached, or broke the connection (${code})`);
}
