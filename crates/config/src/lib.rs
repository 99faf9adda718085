//! landfall.toml, dotenv and importers, read with positions and turned into the model
