//! Which images count.

use super::*;

fn bases(text: &str, args: &[(&str, &str)], target: Option<&str>) -> Result<Vec<String>, NoStage> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let args = args.iter().map(owned).collect();
    let with = Reading {
        args: &args,
        platform: Some("linux/arm64/v8"),
        target,
        contexts: &BTreeMap::from([("shared".to_owned(), "../shared".to_owned())]),
        of_images: &BTreeSet::new(),
    };
    Ok(read(text, &with)?.images.into_iter().collect())
}

fn of(text: &str) -> Vec<String> {
    bases(text, &[], None).expect("no target")
}

#[test]
fn the_image_of_a_from_counts_and_scratch_is_none() {
    assert_eq!(of("FROM node:22"), ["node:22"]);
    assert_eq!(
        of("from --platform=$BUILDPLATFORM node:22 as build"),
        ["node:22"]
    );
    assert_eq!(of("FROM scratch\nCOPY a /a"), [""; 0]);
    assert_eq!(of(""), [""; 0]);
}

#[test]
fn only_stages_that_the_target_needs_count() {
    let text = "FROM a AS base\nFROM b AS tools\nFROM base AS build\nCOPY --from=tools /x /x\n\
                FROM c AS docs\nFROM d\nCOPY --chown=1:1 --from=Build /out /out\n";
    assert_eq!(of(text), ["a", "b", "d"]);
    let at = |target| bases(text, &[], Some(target));
    assert_eq!(at("docs").unwrap(), ["c"]);
    assert_eq!(at("BASE").unwrap(), ["a"]);
    assert_eq!(at("1").unwrap(), ["b"]);
    let stages = ["base", "tools", "build", "docs"].map(str::to_owned);
    assert_eq!(at("nope").unwrap_err(), NoStage(stages.to_vec()));
}

#[test]
fn images_of_copy_and_of_mounts_count() {
    let text = "FROM a\nCOPY --from=busybox:1 /bin/sh /sh\nCOPY --from=0 /x /y\n\
                RUN --mount=type=cache,target=/c --mount=type=bind,from=tools:3,target=/t make\n\
                COPY --from=shared /s /s\nRUN echo --from=nothing\n";
    assert_eq!(of(text), ["a", "busybox:1", "tools:3"]);
}

#[test]
fn variables_are_replaced_as_docker_does() {
    let text = "ARG VERSION=22\nARG REPO=\"hub/node\" TAG=$VERSION-slim\nFROM ${REPO}:${TAG}\n\
                ARG VERSION=9\nFROM x:${NONE:-${VERSION}}\nCOPY --from=0 a a\n";
    assert_eq!(of(text), ["hub/node:22-slim", "x:22"]);
    let given = bases(text, &[("VERSION", "24")], None).unwrap();
    assert_eq!(given, ["hub/node:24-slim", "x:24"]);
    assert_eq!(of("FROM a${X:+b}${TARGETOS:+-$TARGETARCH}"), ["a-arm64"]);
    assert_eq!(of("ARG X=\nFROM a${X-b}${X:-c}"), ["ac"]);
}

#[test]
fn what_is_not_understood_is_not_named() {
    assert_eq!(of("ARG X=abc\nFROM ${X#a}"), [""; 0]);
    assert_eq!(of("FROM ${X"), [""; 0]);
    assert_eq!(of("FROM $NONE"), [""; 0]);
}

#[test]
fn comments_continued_lines_and_here_documents_are_no_instructions() {
    let text = "# syntax=docker/dockerfile:1\n# FROM x\nFROM \\\n# FROM y\n\n  a \\\n  AS b\n\
                RUN <<EOF cat && <<-\"END\" cat\nFROM here\nEOF\n\tFROM there\n\tEND\n\
                RUN echo \\\n  FROM z\nCOPY --from=c <<F /f\nF\n";
    assert_eq!(of(text), ["a", "c"]);
    let escape = "# check=skip=all\n# escape=`\nFROM `\n a\nRUN b\\\nCOPY --from=c x x\n";
    assert_eq!(of(escape), ["a", "c"]);
    // No directive: a comment goes before it.
    assert_eq!(of("# A comment.\n# escape=`\nFROM a\\\nb\n"), ["ab"]);
    let quoted = "FROM a\nRUN echo \"a <<EOF\" '<<E' x1<<2 <<<x 1<<-3\n\t3\nCOPY --from=b x x";
    assert_eq!(of(quoted), ["a", "b"]);
}

#[test]
fn a_stage_may_be_called_like_its_image_and_come_after_those_that_take_from_it() {
    assert_eq!(
        of("FROM node AS node\nCOPY --from=tools a a\nFROM b AS tools\nFROM node"),
        ["b", "node"]
    );
}
