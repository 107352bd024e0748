#!/usr/bin/env bash
# Makes the chains of sha256-2010, rsa-4096-2010, ecdsa-2015, wildcard-2010 and forty-sans-2010 anew, with
# OpenSSL's ca command (it takes start and end dates): a root, an intermediate and a server's certificate
# each, of the form that public CAs used, below a root of our own. The keys are new each time, so the files
# differ in keys and signatures only.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > ca.cnf <<'CNF'
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
rand_serial = yes
unique_subject = no
policy = anything
[anything]
countryName = optional
organizationName = optional
commonName = supplied
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[intermediate]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[leaf_rsa]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = ${ENV::NAMES}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[leaf_ec]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = ${ENV::NAMES}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
CNF
export NAMES=DNS:unused.example

# make_key FILE rsa:BITS|ec:CURVE
make_key() {
    case $2 in
    rsa:*) openssl genpkey -quiet -algorithm RSA -pkeyopt "rsa_keygen_bits:${2#rsa:}" -out "$1" ;;
    ec:*) openssl genpkey -quiet -algorithm EC -pkeyopt "ec_paramgen_curve:${2#ec:}" -out "$1" ;;
    esac
}

# issue FILE SUBJECT KEY EXTENSIONS MD FROM TO and how it is signed
issue() {
    local file=$1 subject=$2 key=$3 extensions=$4 md=$5 from=$6 to=$7
    shift 7
    openssl req -new -key "$key" -subj "$subject" -out request.pem
    openssl ca -batch -notext -config ca.cnf -in request.pem -out "$file" -extensions "$extensions" \
        -md "$md" -startdate "$from" -enddate "$to" "$@" 2>> ca.log
}

# chain NAME KEY MD YEAR COMMON_NAME NAMES: NAME-root.cer, NAME-intermediate.pem, NAME-leaf.pem
chain() {
    local name=$1 kind=$2 md=$3 year=$4 common_name=$5
    : > index.txt
    for part in root intermediate leaf; do make_key "$part.key" "$kind"; done
    issue root.pem "/C=US/O=Contoso/CN=Contoso Root CA ($name)" root.key root "$md" \
        "$((year - 2))0101000000Z" "$((year + 18))0101000000Z" -selfsign -keyfile root.key
    issue intermediate.pem "/C=US/O=Contoso/CN=Contoso Server CA ($name)" intermediate.key intermediate "$md" \
        "$((year - 1))0101000000Z" "$((year + 9))0101000000Z" -cert root.pem -keyfile root.key
    NAMES=$6 issue leaf.pem "/C=US/O=Contoso/CN=$common_name" leaf.key "leaf_${kind%%:*}" "$md" \
        "${year}0101000000Z" "$((year + 1))0101000000Z" -cert intermediate.pem -keyfile intermediate.key
    openssl x509 -in root.pem -outform DER -out "$here/$name-root.cer"
    cp intermediate.pem "$here/$name-intermediate.pem"
    cp leaf.pem "$here/$name-leaf.pem"
}

forty=DNS:mail.contoso.com
for number in $(seq 2 40); do forty="$forty,DNS:mail$number.contoso.com"; done

chain sha256 rsa:2048 sha256 2010 mail.contoso.com DNS:mail.contoso.com
chain rsa-4096 rsa:4096 sha1 2010 mail.contoso.com DNS:mail.contoso.com
chain ecdsa ec:P-256 sha256 2015 mail.contoso.com DNS:mail.contoso.com
chain wildcard rsa:2048 sha1 2010 '*.contoso.com' 'DNS:*.contoso.com,DNS:contoso.com'
chain forty-sans rsa:2048 sha1 2010 mail.contoso.com "$forty"
