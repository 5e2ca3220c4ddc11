// A server of another maker (node-oidc-provider) on a free loopback port, with the two forms of access tokens that protect
// knows. It says where it listens and ends when its standard input does. ISSUER makes it claim to be another server.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const key = (type, options, more) => ({ ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), use: 'sig', ...more });

const jwt = (alg) => ({ scope: 'orders:read orders:write', accessTokenFormat: 'jwt', accessTokenTTL: 600, jwt: { sign: { alg } } });
const resources = {
  'https://orders.example.com': { ...jwt('ES256'), audience: 'https://orders.example.com' },
  'https://rsa.example.com': { ...jwt('RS256'), audience: 'https://orders.example.com' },
  'https://eddsa.example.com': { ...jwt('EdDSA'), audience: 'https://orders.example.com' },
  'https://invoices.example.com': { ...jwt('ES256'), audience: 'https://invoices.example.com' },
  'https://opaque.example.com': { scope: 'orders:read', accessTokenFormat: 'opaque', accessTokenTTL: 600, audience: 'https://orders.example.com' },
  'https://opaque-invoices.example.com': { scope: 'orders:read', accessTokenFormat: 'opaque', accessTokenTTL: 600, audience: 'https://invoices.example.com' },
};

const client = (id, grants) => ({
  client_id: id, client_secret: `${id}-secret+with %41 to encode`, grant_types: grants, redirect_uris: [], response_types: [],
});

const listener = createServer();
listener.listen(0, '127.0.0.1', () => {
  const here = `http://127.0.0.1:${listener.address().port}`;
  const provider = new Provider(process.env.ISSUER || here, {
    clients: [client('machine', ['client_credentials']), client('orders', [])],
    jwks: { keys: [key('ec', { namedCurve: 'P-256' }, { kid: 'one' }), key('rsa', { modulusLength: 2048 }, { kid: 'two' }), key('ed25519', {}, { kid: 'three' })] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true, allowedPolicy: (ctx, caller, token) => caller.clientId === token.clientId },
      introspection: { enabled: true, allowedPolicy: (ctx, caller) => caller.clientId === 'orders' },
      resourceIndicators: { enabled: true, getResourceServerInfo: (ctx, resource) => resources[resource] },
    },
    scopes: ['orders:read', 'orders:write'],
  });
  listener.on('request', provider.callback());
  console.log(JSON.stringify({ ready: here }));
});

process.stdin.resume().on('end', () => process.exit(0));
