// What this provider is: its clients, scopes, kinds of access tokens, and which parts of OAuth it speaks.

import { errors } from 'oidc-provider';

/** Access tokens are asked for by resource (RFC 8707): <RESOURCES>/jwt or <RESOURCES>/opaque, with what shall differ
 * as a query: alg (RS256, ES256, EdDSA), ttl (seconds), aud. */
const RESOURCES = 'https://resource.watchgate.test';
const SCOPES = 'events:read events:write assistant:ask runbooks:read commands:request commands:approve commands:lease sessions:write mediations silences:write '
  + 'metrics:read revocations:write';
const TTL_SECONDS = 600;
const SECRET = 'a-secret-of-the-tests-and-of-nothing-else';

const machine = {
  client_secret: SECRET,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
};

const CLIENTS = [
  { client_id: 'machine', ...machine },
  { client_id: 'machine-with-certificate', ...machine, tls_client_certificate_bound_access_tokens: true },
  { client_id: 'resource-server', ...machine, grant_types: [] },
  {
    client_id: 'browser',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: ['https://app.watchgate.test/callback'],
    response_types: ['code'],
    // Asks for a `sid` in what this client gets. Nobody logs out here, so nobody is called.
    backchannel_logout_uri: 'https://app.watchgate.test/logout',
    backchannel_logout_session_required: true,
  },
];

export function configuration(keys, memory) {
  return {
    adapter: (kind) => memory.adapter(kind),
    jwks: { keys },
    clients: CLIENTS,
    cookies: { keys: ['cookies of the tests'] },
    claims: { acr: null, auth_time: null, iss: null, openid: ['sub'], sid: null },
    scopes: ['openid', 'offline_access'],
    clientAuthMethods: ['client_secret_basic', 'private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth', 'none'],
    pkce: { required: () => true },
    // A page may fetch tokens for a client that leads back to that page.
    clientBasedCORS: (_, origin, client) => client.redirectUris.some((uri) => new URL(uri).origin === origin),
    ttl: {
      AccessToken: (_, token) => token.resourceServer?.accessTokenTTL ?? TTL_SECONDS,
      ClientCredentials: (_, token) => token.resourceServer?.accessTokenTTL ?? TTL_SECONDS,
      AuthorizationCode: 60,
      Grant: 86_400,
      IdToken: TTL_SECONDS,
      Interaction: 3_600,
      RefreshToken: 86_400,
      Session: 86_400,
    },
    extraTokenClaims: (context, token) => {
      const { AuthorizationCode: code, RefreshToken: refresh } = context.oidc.entities;
      return { sid: token.sid, auth_time: (code ?? refresh)?.authTime };
    },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    rotateRefreshToken: true,
    features: {
      // Pages with a form for the login and one for the consent, with any name and password.
      devInteractions: { enabled: true },
      backchannelLogout: { enabled: true },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true },
      introspection: { enabled: true, allowedPolicy: (_, client) => client.clientAuthMethod !== 'none' },
      revocation: { enabled: true, allowedPolicy: (_, client, token) => client.clientId === token.clientId },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        selfSignedTlsClientAuth: true,
        tlsClientAuth: true,
        getCertificate: (context) => context.socket.getPeerX509Certificate(),
        certificateAuthorized: (context) => context.socket.authorized,
        certificateSubjectMatches: (context, property, expected) => {
          const { subject, subjectAltName } = context.socket.getPeerX509Certificate();
          if (property === 'tls_client_auth_subject_dn') return subject.split('\n').join(',') === expected;
          if (property === 'tls_client_auth_san_dns') return subjectAltName?.split(', ').includes(`DNS:${expected}`) ?? false;
          return false;
        },
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => `${RESOURCES}/jwt`,
        getResourceServerInfo: (_, resource) => resourceServer(resource),
        useGrantedResource: () => true,
      },
    },
  };
}

function resourceServer(resource) {
  const { origin, pathname, searchParams } = new URL(resource);
  const format = { '/jwt': 'jwt', '/opaque': 'opaque' }[pathname];
  if (origin !== RESOURCES || !format) throw new errors.InvalidTarget();
  return {
    scope: SCOPES,
    audience: searchParams.get('aud') ?? 'watchgate',
    accessTokenFormat: format,
    accessTokenTTL: Number(searchParams.get('ttl') ?? TTL_SECONDS),
    jwt: format === 'jwt' ? { sign: { alg: searchParams.get('alg') ?? 'ES256' } } : undefined,
  };
}
