#!/usr/bin/env bash
# Nothing is made here: the certificates are real. This checks that they are what the story says, by
# their SHA-256 fingerprints and by their signatures.
set -eu
cd "$(dirname "$0")"
while read -r fingerprint file; do
    seen=$(openssl x509 -in "$file" -outform DER | sha256sum)
    [ "${seen%% *}" = "$fingerprint" ] || { echo "$file is another certificate"; exit 1; }
done <<'FINGERPRINTS'
687fa451382278fff0c8b11f8d43d576671c6eb2bceab413fb83d965d06d2ff2 addtrust-external-ca-root.pem
245af72d1c95ed4e66de0a543b20e9eb1809bbf6dc928d2f1e866b6e040001be leaf.pem
7fa4ff68ec04a99d7528d5085f94907f4d1dd1c5381bacdc832ed5c960214676 sectigo-rsa-dv.pem
1a5174980a294a528a110726d5855650266c48d9883bea692b67b6d726da98c5 usertrust-rsa-by-addtrust.pem
e793c9b02fd8aa13e21c31228accb08119643b749c898964b1746d46c3d4cbd2 usertrust-rsa.pem
FINGERPRINTS
openssl verify -no_check_time -CAfile usertrust-rsa.pem -untrusted sectigo-rsa-dv.pem leaf.pem
openssl verify -no_check_time -CAfile addtrust-external-ca-root.pem usertrust-rsa-by-addtrust.pem
