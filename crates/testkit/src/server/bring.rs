//! What is brought into boxes past their network, which reaches no registry.

use std::path::Path;
use std::process::Stdio;

use super::boot::ServerBox;

impl ServerBox<'_> {
    /// Brings images of the [engine](super::ServerEngine::docker) that runs the box to the one in
    /// it, under the same names.
    ///
    /// # Panics
    /// When there is no such image, or no engine in the box.
    pub fn bring_images(&self, names: &[&str]) {
        let load = ["exec", "--interactive", &self.name, "docker", "load"];
        self.pipe(&[&["save"], names].concat(), &load);
    }

    /// Brings a program of an image to `/usr/local/bin` in the box, from there.
    ///
    /// # Panics
    /// When there is no such image, or no such program in it.
    pub fn bring_program(&self, image: &str, program: &str) {
        let docker = self.engine.docker();
        let dir = "/usr/local/bin";
        let made = docker.docker(&["create", "--network=none", image]);
        let from = format!("{made}:{dir}/{program}");
        self.pipe(
            &["cp", &from, "-"],
            &["cp", "-", &format!("{}:{dir}", self.name)],
        );
        docker.docker(&["rm", &made]);
    }

    /// Brings a file of this machine to a path in the box.
    ///
    /// # Panics
    /// When it cannot be copied.
    pub fn bring(&self, file: &Path, to: &str) {
        let to = format!("{}:{to}", self.name);
        self.client(&["cp", &file.to_string_lossy(), &to]).ok();
    }

    /// Gives what one command of the engine's client prints to another.
    fn pipe(&self, from: &[&str], to: &[&str]) {
        let mut giver = self.engine.docker.client();
        let mut giver = giver
            .args(from)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the client of docker.io");
        let given = giver.stdout.take().expect("its output");
        let taken = self.client_with(to, given);
        let ended = giver.wait().expect("its end");
        taken.ok();
        assert!(ended.success(), "{from:?}: {ended}");
    }
}
