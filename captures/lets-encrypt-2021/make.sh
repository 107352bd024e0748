#!/usr/bin/env bash
# Nothing is made here: the certificates are real. This checks that they are what the story says, by
# their SHA-256 fingerprints and by their signatures.
set -eu
cd "$(dirname "$0")"
while read -r fingerprint file; do
    seen=$(openssl x509 -in "$file" -outform DER | sha256sum)
    [ "${seen%% *}" = "$fingerprint" ] || { echo "$file is another certificate"; exit 1; }
done <<'FINGERPRINTS'
0687260331a72403d909f105e69bcf0d32e1bd2493ffc6d9206d11bcd6770739 dst-root-ca-x3.pem
e5e2b93e41374e9a40c3452e8f3fac996508ee7c60f4e9047a29fd31cd740b31 ecdsa-leaf.pem
6d99fb265eb1c5b3744765fcbc648f3cd8e1bffafdc4c2f99b9d47cf7ff1c24f isrg-root-x1-by-dst-root-ca-x3.pem
96bcec06264976f37460779acf28c5a7cfe8a3c0aae11a8ffcee05c0bddf08c6 isrg-root-x1.pem
fdae8fd07fe74aca4a9580df24b5629ef1a0f4c1cd0016d9e933a42ca56437a4 leaf.pem
67add1166b020ae61b8f5fc96813c04c2aa589960796865572a3c7e737613dfd r3.pem
FINGERPRINTS
openssl verify -no_check_time -CAfile isrg-root-x1.pem -untrusted r3.pem leaf.pem ecdsa-leaf.pem
openssl verify -no_check_time -CAfile dst-root-ca-x3.pem isrg-root-x1-by-dst-root-ca-x3.pem
