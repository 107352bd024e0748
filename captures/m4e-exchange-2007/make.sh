#!/usr/bin/env bash
# Makes the certificates of this story anew, with OpenSSL's ca command (it takes start and end dates).
# The keys are new each time, so the files differ in keys and signatures only.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
touch index.txt
cat > ca.cnf <<'CNF'
[ca]
default_ca = internal
[internal]
database = index.txt
new_certs_dir = .
certificate = root.pem
private_key = root.key
rand_serial = yes
unique_subject = no
default_md = sha1
policy = anything
[anything]
countryName = optional
organizationName = optional
domainComponent = optional
commonName = supplied
[root]
basicConstraints = critical, CA:TRUE
keyUsage = digitalSignature, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[leaf_critical]
keyUsage = critical, digitalSignature, keyEncipherment
subjectAltName = critical, @names
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[leaf_plain]
keyUsage = critical, digitalSignature, keyEncipherment
subjectAltName = @names
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[names]
DNS.1 = mail.contoso.com
DNS.2 = autodiscover.contoso.com
DNS.3 = exch01.contoso.local
DNS.4 = exch01
CNF
subject='/C=US/O=Contoso/CN=mail.contoso.com'
openssl req -newkey rsa:2048 -nodes -keyout root.key -subj '/DC=local/DC=contoso/CN=Contoso Internal CA' -out root.req 2>> ca.log
openssl ca -batch -notext -config ca.cnf -selfsign -keyfile root.key -in root.req -out root.pem \
    -extensions root -startdate 20070101000000Z -enddate 20270101000000Z 2> ca.log
openssl req -newkey rsa:2048 -nodes -keyout leaf.key -subj "$subject" -out leaf.req 2>> ca.log
for kind in critical plain; do
    openssl ca -batch -notext -config ca.cnf -in leaf.req -out "$kind.pem" -extensions "leaf_$kind" \
        -startdate 20070815000000Z -enddate 20090815000000Z 2>> ca.log
done
cp critical.pem "$here/critical-san.pem"
cp plain.pem "$here/plain-san.pem"
openssl x509 -in root.pem -outform DER -out "$here/root.cer"
