mod desk;
mod examples;
mod naive;
mod properties;
mod speed;
