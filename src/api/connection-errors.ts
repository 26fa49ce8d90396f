import { KeepsyncError } from '../base/errors.ts';

/** Certificate faults, as Node names OpenSSL's, with what a person should know of each. */
const CERTIFICATE_FAULTS: Readonly<Record<string, readonly [what: string, action: string]>> = {
  CERT_HAS_EXPIRED: [
    'has expired',
    'Check the date of this computer; if it is right, the administrators must renew the certificate.',
  ],
  CERT_NOT_YET_VALID: ['is not valid yet', 'Check the date and time of this computer.'],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'belongs to another host',
    'Check the address for typing errors; do not go on if you did not expect this.',
  ],
};

const UNKNOWN_ISSUER =
  'If your cluster uses a certificate authority of its own, name its certificate file in the settings.';

/**
 * What a failed connection means to a person, by the system's or OpenSSL's error code. The request id is ours: the
 * server may never have seen it.
 */
export function connectionError(thrown: unknown, host: string, requestId: string): KeepsyncError {
  if (thrown instanceof KeepsyncError) {
    return thrown;
  }
  const systemCode = codeOf(thrown);
  const info = systemCode === undefined ? {} : { info: { systemCode } };
  const details = { requestId, cause: thrown, ...info };
  if (systemCode !== undefined && isTlsCode(systemCode)) {
    return tlsError(systemCode, host, details);
  }
  switch (systemCode) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_NODATA':
      return new KeepsyncError('OFFLINE', `The host ${host} cannot be found`, {
        action: 'Check the address for typing errors, and whether this computer is on the network.',
        ...details,
      });
    case 'ECONNREFUSED':
      return new KeepsyncError('OFFLINE', `${host} does not accept connections`, {
        action: 'Check the address and port, or wait until the server is back.',
        ...details,
      });
    case 'ETIMEDOUT':
      return new KeepsyncError('TIMEOUT', `${host} does not answer`, {
        action: 'Check the network, and whether you need a VPN to reach the server.',
        ...details,
      });
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ECONNABORTED':
      return new KeepsyncError('OFFLINE', `The connection to ${host} was cut`, {
        action: 'Keepsync tries again; if it goes on, check the network.',
        ...details,
      });
    default:
      return new KeepsyncError('OFFLINE', `${host} cannot be reached (${systemCode ?? 'unknown reason'})`, {
        action: 'Check the network, and whether you need a VPN to reach the server.',
        ...details,
      });
  }
}

function codeOf(thrown: unknown): string | undefined {
  if (thrown instanceof AggregateError) {
    // One error for each address that was tried.
    return codeOf(thrown.errors.at(-1)) ?? ('code' in thrown ? String(thrown.code) : undefined);
  }
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : undefined;
}

function isTlsCode(code: string): boolean {
  return (
    code === 'EPROTO' ||
    code.startsWith('ERR_SSL_') ||
    code.startsWith('ERR_TLS_') ||
    code.startsWith('CERT_') ||
    /SELF_SIGNED|UNABLE_TO_|CRL_|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH/.test(code)
  );
}

function tlsError(code: string, host: string, details: { requestId: string; cause: unknown }): KeepsyncError {
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) {
    return new KeepsyncError('TLS', `${host} does not speak https`, {
      action: 'Check the port in the address.',
      ...details,
    });
  }
  const [what, action] = CERTIFICATE_FAULTS[code] ?? ['is not signed by anybody known here', UNKNOWN_ISSUER];
  return new KeepsyncError('TLS', `The certificate of ${host} ${what}`, { action, ...details });
}
