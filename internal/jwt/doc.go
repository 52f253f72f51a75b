// Package jwt makes the tokens by which an app knows that a callback or a
// websocket is this server's, and checks the tokens of others.
//
// # What it does
//
// A [Signer] signs tokens with RS256 (RFC 7518, section 3.3): iss, aud, iat,
// nbf, exp, and kid in the header. Its keys lie in a folder, are replaced on a
// schedule, and are published with an OpenID configuration, as Azure's are. A
// [Verifier] checks a token against the keys that another issuer publishes.
//
// # How it works
//
// A coming key is published for a while ([Signer.Handler]) before it signs, and
// one that was replaced stays published until every token it signed is over
// ([HandshakeLife]), with two hours to spare for clocks that jump. The schedule
// is written with the keys, in wall-clock time, so a restart goes on with it
// (schedule.go has the rules, store.go the files). A file that cannot be
// understood is moved aside; the others go on, or a new key begins.
//
// A token has no jti, because it may be used more than once: for a minute
// callers with the same audience and lifetime share one. A signature takes a
// core about a millisecond, so one is made at a time, and those who wait for
// the same token share it: the sound path keeps the rest of the machine.
//
// A verifier fetches the issuer's configuration and keys when it first needs
// them, keeps them for an hour, and fetches them again for a key that it does
// not know, though not more often than every half minute.
//
// # How to use it
//
//	signer, err := jwt.Open(jwt.Config{Dir: "data/keys", Issuer: "https://calls.example.com", KeysURL: "https://calls.example.com/calling/keys"})
//	go signer.Run(ctx) // replaces keys
//	token, err := signer.Sign(signer.Audience(), jwt.CallbackLife)
//
//	entra := jwt.NewVerifier(jwt.VerifierConfig{Issuer: "https://login.example.com/tenant/v2.0", Audience: "https://communication.azure.com", Client: client})
//	err := entra.Verify(ctx, token)
package jwt
