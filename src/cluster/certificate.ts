import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { DataFolder } from './data-folder.ts';

export interface ServerCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
}

const VALID_YEARS = 10;
const MS_PER_YEAR = 365 * 24 * 3600 * 1000;
/** Clients whose clock is a little behind ours must not find the certificate not valid yet. */
const BACKDATED_MS = 24 * 3600 * 1000;

/**
 * The certificate in the folder; a new one where there is none, or where it has run out. Self-signed for localhost,
 * 127.0.0.1 and ::1, and its own authority: other programs trust it by SSL_CERT_FILE.
 */
export async function loadCertificate(folder: DataFolder, nowMs: number): Promise<ServerCertificate> {
  if (existsSync(folder.certificateFile) && existsSync(folder.keyFile)) {
    const certificatePem = readFileSync(folder.certificateFile, 'utf8');
    const keyPem = readFileSync(folder.keyFile, 'utf8');
    const certificate = new X509Certificate(certificatePem);
    // a crash between the two writes leaves a key and a certificate that do not belong together
    const belong = certificate.checkPrivateKey(createPrivateKey(keyPem));
    if (belong && Date.parse(certificate.validTo) > nowMs) {
      return { certificatePem, keyPem };
    }
  }
  const made = await makeCertificate(nowMs);
  folder.writeSecret('key.pem', made.keyPem);
  folder.writePublic('cert.pem', made.certificatePem);
  return made;
}

async function makeCertificate(nowMs: number): Promise<ServerCertificate> {
  // loaded when needed: once in the life of a cluster; its container library wants the polyfill first
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(8)))
        .toString('hex')
        .replace(/^./, '1'),
      name: 'CN=localhost, O=Keepsync local cluster',
      notBefore: new Date(nowMs - BACKDATED_MS),
      notAfter: new Date(nowMs + VALID_YEARS * MS_PER_YEAR),
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(
          x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
          true,
        ),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension([
          { type: 'dns', value: 'localhost' },
          { type: 'ip', value: '127.0.0.1' },
          { type: 'ip', value: '::1' },
        ]),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    },
    webcrypto,
  );
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const lines = pkcs8.match(/.{1,64}/g) ?? [];
  return {
    certificatePem: `${certificate.toString('pem')}\n`,
    keyPem: `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`,
  };
}
